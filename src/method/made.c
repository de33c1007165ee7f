/* A model as a method leaves it. */
#include "base/mem.h"
#include "gradroute/method.h"

void gr_made_free(gr_made *made) {
    if (made->owns)
        gr_bundle_free(made->bundle);
    gr_free(made->path);
    gr_free(made->off);
    *made = (gr_made){0};
}
