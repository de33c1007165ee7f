/* manifest.h - what the writer and the reader of model folders share. */
#ifndef GR_FORMAT_MANIFEST_H
#define GR_FORMAT_MANIFEST_H

#include "io/json.h"

enum { GR__FOLDER_VERSION = 1 };

/* A manifest whose version and digest are right; place is its path. *manifest is the caller's also after an error. */
gr_status gr__manifest_read(json_t **manifest, const char *place, gr_error *err);

#endif
