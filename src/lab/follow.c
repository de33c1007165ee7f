#include "lab/follow.h"

#include <math.h>

#include "base/clock.h"

void gr__follow_begin(gr__follow *f, const gr_control *control, const char *folder, const char *doing,
                      const char *name) {
    *f = (gr__follow){control, folder, doing, name, gr__now()};
}

bool gr__follow_asked(void *follow, int64_t done, int64_t all) {
    const gr__follow *f = follow;
    (void)done, (void)all;
    return !f->control || !f->control->stop || !*f->control->stop;
}

bool gr__follow_told(void *follow, int64_t done, int64_t all) {
    const gr__follow *f = follow;
    if (all > 0 && f->control && f->control->progress) {
        gr_progress progress = gr_progress_of(f->name, f->doing, done, all);
        progress.seconds = gr__now() - f->began;
        progress.seconds_left = done > 0 ? progress.seconds * (double)(all - done) / (double)done : 0;
        f->control->progress(f->control->user, &progress);
    }
    return gr__follow_asked(follow, done, all);
}

gr_status gr__follow_stopped(const gr__follow *f, gr_error *err) {
    if (gr__follow_asked((void *)f, 0, 0))
        return GR_OK;
    const char *hint = "run the same command again to go on";
    if (!f->folder)
        return gr_error_set(err, GR_ERR_INTERRUPTED, f->name, hint, "stopped");
    return gr_error_set(err, GR_ERR_INTERRUPTED, f->name, hint, "stopped; everything that was finished is kept in %s",
                        f->folder);
}
