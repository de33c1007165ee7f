/* process.h - what a process finds when it starts, the signals it gets, and how it ends.
 *
 *     int main(int argc, char **argv) {
 *         gr__process_begin();
 *         ...
 *     }
 *     gr_control control = {.stop = gr__stop_flag(), ..};
 *     read_everything();
 *     gr__stop_saves();
 *     train();                                       looks at the flag, saves, returns GR_ERR_INTERRUPTED
 *
 * SIGINT, SIGTERM, SIGHUP and SIGXCPU ask to stop. Until gr__stop_saves there is nothing to save, and they end the
 * process at once with status 1 and a sentence. After it they set the flag; a second SIGINT or SIGTERM kills.
 *
 * A small allocation that is refused ends the process with status 1 and a sentence that names its size, wherever it was
 * asked for: in the library, in jansson, in oneDNN.
 */
#ifndef GR_CLI_PROCESS_H
#define GR_CLI_PROCESS_H

#include <signal.h>

/* First in main. Closed standard descriptors are opened on /dev/null, lest files of ours get their numbers. Pipes
 * without a reader and file size limits fail writes and kill nobody. Standard output that could not be written in full
 * ends a process that would have ended with status 0 with 1 and a sentence, also where argp ends it. */
void gr__process_begin(void);

/* Set by the first signal. */
const volatile sig_atomic_t *gr__stop_flag(void);

/* From now on signals set the flag: the work that follows looks at it and saves. */
void gr__stop_saves(void);

#endif
