/* Scripts that time PyTorch: started, read line by line, stopped when they have said what is needed. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "bench/side.h"

enum { WORDS = 32, LINE = 1024 };

/* ---- a child whose output is read -------------------------------------------------------------------------------- */

typedef struct child {
    pid_t pid;
    int out;
} child;

/* Starts the program with its output in a pipe and its messages nowhere. */
static gr_status child_start(child *c, char *const *words, gr_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return gr_error_set(err, GR_ERR_IO, "bench", NULL, "cannot make a pipe: %s", strerror(errno));

    c->out = ends[0];
    pid_t parent = getpid();
    c->pid = fork();

    /* Only what a child of a program with threads may call; it ends with its parent. */
    if (c->pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(ends[1], STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
            _exit(127);
        execvp(words[0], words);
        _exit(127);
    }

    close(ends[1]);
    if (c->pid > 0)
        return GR_OK;
    close(ends[0]);
    return gr_error_set(err, GR_ERR_IO, "bench", NULL, "cannot start %s: %s", words[0], strerror(errno));
}

/* Ends it if it still runs; its exit status, -1 if it was ended by a signal. */
static int child_end(child *c, bool kill_it) {
    int status = 0;
    if (kill_it)
        kill(c->pid, SIGKILL);
    close(c->out);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The next line without its end; *ended when there is none. Looks at the stop flag while waiting. */
static gr_status child_line(child *c, char *line, bool *ended, const gr__conditions *conditions, gr_error *err) {
    size_t used = 0;
    *ended = false;
    line[0] = 0;
    for (;;) {
        /* A letter at a time: waiting ends ten times a second to look at the stop flag. */
        struct pollfd p = {c->out, POLLIN, 0};
        GR_TRY(gr__bench_stopped(conditions, err));
        if (poll(&p, 1, 100) <= 0)
            continue;

        char letter;
        ssize_t n = read(c->out, &letter, 1);
        if (n < 0 && errno == EINTR)
            continue;

        /* What does not fit is left out. */
        *ended = n <= 0;
        if (n <= 0 || letter == '\n')
            break;
        if (used + 1 < LINE)
            line[used++] = letter;
    }
    line[used] = 0;
    return GR_OK;
}

/* ---- a script ---------------------------------------------------------------------------------------------------- */

/* The words of its command line, in the arena. */
static void command(char **words, gr_arena *arena, const gr__peer *peer, const char *wait) {
    int n = 0;
    char text[512], *rest = NULL;

    /* How threads wait, and how many there are. GOMP_SPINCOUNT would overrule the policy. */
    words[n++] = "env";
    words[n++] = "-u";
    words[n++] = "GOMP_SPINCOUNT";
    snprintf(text, sizeof text, "OMP_WAIT_POLICY=%s", wait);
    words[n++] = gr_arena_strdup(arena, text);
    snprintf(text, sizeof text, "PEER_THREADS=%d", peer->conditions.threads);
    words[n++] = gr_arena_strdup(arena, text);

    /* A script of a folder of peers has its own way to be started; ours is a program of Python. */
    if (peer->peers) {
        snprintf(text, sizeof text, "%s/run.sh", peer->peers);
        words[n++] = "sh";
        words[n++] = gr_arena_strdup(arena, text);
        words[n++] = gr_arena_strdup(arena, peer->script);
    } else {
        snprintf(text, sizeof text, "%d", peer->conditions.threads);
        words[n++] = "/usr/bin/python3";
        words[n++] = gr_arena_strdup(arena, peer->script);
        words[n++] = "--threads";
        words[n++] = gr_arena_strdup(arena, text);
    }

    char *args = gr_arena_strdup(arena, peer->args);
    for (char *word = strtok_r(args, " ", &rest); word && n < WORDS - 1; word = strtok_r(NULL, " ", &rest))
        words[n++] = word;
    words[n] = NULL;
}

/* Milliseconds of the two precisions from one line, if it is of the kind wanted. */
static void read_line(double spent[2], const char *line, int routed) {
    json_t *object = json_loads(line, 0, NULL);
    json_t *is_half = json_object_get(object, "bf16"), *is_routed = json_object_get(object, "routed");
    json_t *median = json_object_get(object, "ms_median");
    if (json_is_boolean(is_half) && json_is_number(median) && (routed < 0 || json_is_true(is_routed) == (routed > 0)))
        spent[json_is_true(is_half)] = json_number_value(median);
    json_decref(object);
}

/* Why a script printed nothing: mostly there is no PyTorch. */
static gr_status explain(gr__peer *peer, int code, gr_error *err) {
    char line[LINE], *words[] = {"/usr/bin/python3", "-c", "import torch, numpy; print('yes')", NULL};
    child c;
    bool ended = false;
    GR_TRY(child_start(&c, words, err));
    gr_status status = child_line(&c, line, &ended, &peer->conditions, err);
    child_end(&c, status != GR_OK);
    if (strcmp(line, "yes"))
        snprintf(peer->failed, sizeof peer->failed, "python3-torch and python3-numpy are not installed");
    else
        snprintf(peer->failed, sizeof peer->failed, "%.50s printed no figures (exit status %d)", peer->script, code);
    return status;
}

/* Runs it until both precisions are known; 0 stands for what is not. */
static gr_status run_script(double spent[2], gr__peer *peer, const char *wait, gr_error *err) {
    char line[LINE], *words[WORDS];
    child c;
    bool ended = false;
    int code = 0;
    gr_arena *arena = gr_arena_new();

    spent[0] = spent[1] = 0;
    command(words, arena, peer, wait);
    gr_status status = child_start(&c, words, err);

    /* Enough was said when both precisions are known: then it is ended. */
    if (status == GR_OK) {
        while (status == GR_OK && !ended && !(spent[0] > 0 && spent[1] > 0)) {
            status = child_line(&c, line, &ended, &peer->conditions, err);
            read_line(spent, line, peer->routed);
        }
        code = child_end(&c, !ended);
    }

    if (status == GR_OK && !(spent[0] > 0) && !(spent[1] > 0))
        status = explain(peer, code, err);
    gr_arena_free(arena);
    return status;
}

/* The first sample tries both ways of waiting; then the way and precision that were the fastest stay. */
gr_status gr__peer_sample(void *self, double *seconds, gr_error *err) {
    static const char *const ways[] = {"active", "passive"};
    gr__peer *peer = self;
    double best = INFINITY, spent[2];

    *seconds = 0;

    /* Each run gives a figure for each precision. */
    int tries = peer->chosen || peer->conditions.quick ? 1 : 2;
    for (int i = 0; i < tries; i++) {
        const char *wait = peer->chosen ? peer->wait : ways[i];
        GR_TRY(run_script(spent, peer, wait, err));

        /* Once chosen, only the same way and precision count. */
        for (int half = 0; half < 2; half++)
            if (spent[half] > 0 && spent[half] < best && (!peer->chosen || peer->half == half)) {
                best = spent[half];
                peer->wait = wait;
                peer->half = half;
            }
    }

    /* Also when the precision that was chosen gives no figure any more. */
    if (!isfinite(best)) {
        if (!peer->failed[0])
            snprintf(peer->failed, sizeof peer->failed, "%.50s printed too few figures", peer->script);
        return GR_OK;
    }

    peer->chosen = true;
    *seconds = best / 1e3;
    return GR_OK;
}
