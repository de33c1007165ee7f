/* Progress on standard error (progress.h): a line for each step is made, few are shown. */
#include "progress.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "common.h"
#include "screen.h"

/* Width of the terminal; 80 where it does not say. */
static int columns(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

void gr__progress_begin(gr__progress_bar *progress, FILE *out) {
    *progress = (gr__progress_bar){.out = out, .terminal = gr__screen_is_terminal(), .percent = -5};
}

void gr__progress_end(gr__progress_bar *progress) {
    if (progress->drawn)
        fputc('\n', progress->out);
    progress->drawn = false;
    fflush(progress->out);
}

void gr__progress_note(void *user, const char *text) {
    gr__progress_bar *progress = user;
    gr__progress_end(progress);
    fprintf(progress->out, "%s\n", text);
}

/* Means over some ten steps. A label that a step had no target of keeps its last mean. */
static void average(gr__progress_bar *progress, const gr_progress *p) {
    for (int i = 0; i < p->labels && i <= GR_ROUTE_LABELS_MAX; i++) {
        double *mean = &progress->loss[i], loss = p->label_loss[i];
        if (isfinite(loss))
            *mean = isfinite(*mean) ? 0.9 * *mean + 0.1 * loss : loss;
    }
}

/* Another model's steps begin: a new line, and no means yet. */
static void start_model(gr__progress_bar *progress, const char *name) {
    gr__progress_end(progress);
    snprintf(progress->name, sizeof progress->name, "%s", name);
    progress->percent = -5;
    progress->shown = -1e9;
    for (int i = 0; i <= GR_ROUTE_LABELS_MAX; i++)
        progress->loss[i] = NAN;
}

/* "core 4.321 biology 5.010 held out 4.412  absorbed 0.93 off +1.71/+0.02  12,345 tokens/s  1:23 left". What tells
 * whether routing works comes first where room is short: then losses of labels go, the speed, then the rest. */
static void tail(char *text, size_t size, const gr__progress_bar *progress, const gr_progress *p, int less) {
    enum { SHOWN = 4 };
    size_t used = 0;
    text[0] = 0;

    /* Losses of the first labels; where there are none, or no room for them, that of the step. */
    int shown = less >= 2 ? 0 : p->labels < SHOWN ? p->labels : SHOWN;
    if (isfinite(p->loss) && !shown)
        used += (size_t)snprintf(text, size, "loss %.3f ", p->loss);
    for (int i = 0; i < shown && used < size; i++)
        if (isfinite(progress->loss[i]))
            used += (size_t)snprintf(text + used, size - used, "%.24s %.3f ", p->label[i], progress->loss[i]);

    /* What tells whether it goes well. */
    if (isfinite(p->heldout) && used < size && less < 3)
        used += (size_t)snprintf(text + used, size - used, "held out %.3f ", p->heldout);
    if (isfinite(p->absorption) && used < size)
        used += (size_t)snprintf(text + used, size - used, " absorbed %.2f", p->absorption);
    if (isfinite(p->off_forget) && isfinite(p->off_retain) && used < size)
        used += (size_t)snprintf(text + used, size - used, " off %+.2f/%+.2f", p->off_forget, p->off_retain);

    /* How long it takes. */
    if (isfinite(p->tokens_per_s) && used < size && less < 1)
        used += (size_t)snprintf(text + used, size - used, " %s tokens/s ",
                                 gr__text_count((char[32]){0}, (int64_t)p->tokens_per_s));
    if (used < size)
        used += (size_t)snprintf(text + used, size - used, " %s left", gr__text_time((char[32]){0}, p->seconds_left));
    if (p->all_left > 0 && used < size)
        used += (size_t)snprintf(text + used, size - used, ", all in %s", gr__text_time((char[32]){0}, p->all_left));
    const char *cores = gr__text_cores((char[48]){0}, p->cores, p->threads);
    if (*cores && used < size)
        snprintf(text + used, size - used, "  %s", cores);
}

/* Once in a run, what the figure at the end of the line means. */
static void hint_at_cores(gr__progress_bar *progress, const gr_progress *p) {
    const char *cores = gr__text_cores((char[48]){0}, p->cores, p->threads);
    if (!*cores || progress->hinted)
        return;
    gr__progress_end(progress);
    fprintf(progress->out, "note: %s: %s\n", cores,
            p->threads > 1 ? GR__CORES_HINT : "other work or a limit takes the rest");
    progress->hinted = true;
}

enum { BAR_LEAST = 5, BAR_MOST = 40 };

/* Columns left for the bar between head and end. */
static int bar_room(const gr__progress_bar *progress, const char *head, const char *end) {
    return columns() - 1 - (int)strlen(head) - (int)strlen(end) - 4;
}

/* Draws the line anew. */
static void draw(gr__progress_bar *progress, const char *head, const char *end, const gr_progress *p) {
    char bar[BAR_MOST + 4] = "", line[1024];
    int room = columns() - 1, width = bar_room(progress, head, end);
    width = width > BAR_MOST ? BAR_MOST : width;

    /* [####....] and a blank, where there is room for it. */
    if (width >= BAR_LEAST) {
        int done = p->steps > 0 ? (int)(p->step * width / p->steps) : width;
        memset(bar, '.', (size_t)width + 3);
        memset(bar + 1, '#', (size_t)done);
        bar[0] = '[', bar[width + 1] = ']', bar[width + 2] = ' ';
    }

    /* One line of the terminal, cut where it ends. */
    int length = snprintf(line, sizeof line, "%s %s%s", head, bar, end);
    gr__screen_control(progress->out, "\r\033[K");
    fprintf(progress->out, "%.*s", length < room ? length : room, line);
    progress->drawn = true;
}

void gr__progress_step(void *user, const gr_progress *p) {
    gr__progress_bar *progress = user;
    char name[sizeof progress->name]; /* "routed", "measuring plain" */
    snprintf(name, sizeof name, "%s%s%s", p->doing ? p->doing : "", p->doing ? " " : "", p->name);
    if (strcmp(progress->name, name) != 0 || p->step <= 1)
        start_model(progress, name);
    average(progress, p);

    /* Warnings have lines of their own, whenever they come. */
    if (p->warning) {
        gr__progress_end(progress);
        fprintf(progress->out, "warning: %s step %lld: %s\n", p->name, (long long)p->step, p->warning);
    }
    hint_at_cores(progress, p);

    /* Ten times a second on a terminal; in a log every 5 %, or 10 seconds. */
    double t = gr__now(), since = t - progress->shown;
    int64_t percent = p->steps > 0 ? 100 * p->step / p->steps : 100;
    bool last = p->step >= p->steps;
    bool due = progress->terminal ? since >= 0.1 : (percent >= progress->percent + 5 && since >= 1) || since >= 10;
    if (!due && !last)
        return;

    /* Figures make way, the least needed first, until the bar has room. */
    char head[128], end[512];
    snprintf(head, sizeof head, "%s %lld/%lld", progress->name, (long long)p->step, (long long)p->steps);
    tail(end, sizeof end, progress, p, 0);
    for (int less = 1; progress->terminal && less <= 3 && bar_room(progress, head, end) < BAR_LEAST; less++)
        tail(end, sizeof end, progress, p, less);
    if (progress->terminal)
        draw(progress, head, end, p);
    else
        fprintf(progress->out, "%s  %s\n", head, end);
    fflush(progress->out);
    progress->shown = t;
    progress->percent = percent;
    if (last)
        gr__progress_end(progress);
}

/* A file of unknown size has no bar. */
void gr__progress_bytes(void *user, int64_t done, int64_t size) {
    gr__progress_bar *progress = user;
    if (progress->shown <= 0)
        start_model(progress, "fetch");
    double t = gr__now(), since = t - progress->shown;
    int64_t percent = size > 0 ? 100 * done / size : 0;

    /* As often as a line of training. */
    if (progress->terminal ? since < 0.1 : (percent < progress->percent + 5 || since < 1) && since < 10)
        return;

    /* How much of how much. */
    char end[96], of[64] = "";
    if (size > 0)
        snprintf(of, sizeof of, " of %s, %lld %%", gr__text_bytes((char[32]){0}, (double)size), (long long)percent);
    snprintf(end, sizeof end, "%s%s", gr__text_bytes((char[32]){0}, (double)done), of);

    if (progress->terminal)
        draw(progress, progress->name, end, &(gr_progress){.step = size > 0 ? done : 0, .steps = size > 0 ? size : 1});
    else
        fprintf(progress->out, "%s  %s\n", progress->name, end);
    fflush(progress->out);
    progress->shown = t;
    progress->percent = percent;
}
