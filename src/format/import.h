/* import.h - what a foreign format is. A new one is a file import_NAME.c that defines one, its extern here, and a line
 * in import.c. */
#ifndef GR_FORMAT_IMPORT_H
#define GR_FORMAT_IMPORT_H

#include "gradroute/import.h"

typedef struct gr__import_format {
    const char *name;
    bool (*fits)(const char *path); /* whether the file or folder holds the network, by its content */
    /* Sets def, model and tokenizer; vocabulary is the other file, or NULL. */
    gr_status (*read)(gr_import *in, const char *path, const char *vocabulary, gr_error *err);
} gr__import_format;

extern const gr__import_format gr__import_llama2c;

#endif
