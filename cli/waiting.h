/* waiting.h - how threads wait for each other, and how many there are: settled before the first parallel loop. */
#ifndef GR_CLI_WAITING_H
#define GR_CLI_WAITING_H

/* Executes the program anew, once, with a policy of waiting that suits a busy machine: libgomp reads its environment
 * when it is loaded. Comes back where there is nothing to do or no way to do it:
 *   - OMP_WAIT_POLICY or GOMP_SPINCOUNT is set: the user has chosen;
 *   - GRADROUTE_REEXECUTED is set, as it is in the second execution. Set it yourself where a program must not execute
 *     another: under an emulator or a checker of memory, which the second execution would leave;
 *   - /proc/self/exe is missing or another program (a loader that was given this one), or the execution is refused. */
void gr__settle_waiting(char **argv);

/* As many threads as gr_cores() unless OMP_NUM_THREADS says otherwise. */
void gr__settle_threads(void);

#endif
