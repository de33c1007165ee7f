/* ask.c - hours are not spent unasked. */
#include "ask.h"

#include <omp.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

static const double UNASKED = 2 * 3600;

/* On a terminal alone: whoever reads a log cannot answer. */
static bool says_yes(void) {
    char line[16];
    fputs("Go on? [y/N] ", stderr);
    fflush(stderr);
    return fgets(line, sizeof line, stdin) && (line[0] == 'y' || line[0] == 'Y');
}

gr_status gr__ask_before(gr_lab *lab, const gr__ask *ask, const gr_control *control, gr_error *err) {
    double seconds;
    char clock[32];

    /* Steps are timed with the threads that each process will have. */
    int share = gr_cores() / (ask->jobs > 1 ? ask->jobs : 1), before = omp_get_max_threads();
    if (ask->threads || ask->jobs > 1)
        omp_set_num_threads(ask->threads ? ask->threads : share > 0 ? share : 1);
    gr_status status = gr_lab_forecast(&seconds, lab, ask->jobs, control, err);
    omp_set_num_threads(before);
    GR_TRY(status);

    if (seconds <= UNASKED || ask->yes)
        return GR_OK;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO) && says_yes())
        return GR_OK;
    return gr_error_set(err, GR_ERR_USAGE, "experiment",
                        "say --yes to begin it; gradroute plan says what takes how long",
                        "it takes about %s, and nothing was begun", gr__text_time(clock, seconds));
}
