/* record.h - records with named members: what the readers of JSON Lines, JSON and tables share.
 *
 *     gr__record r = {sink, source, path, line, first};
 *     GR_TRY(gr__record_add(&r, object, err));            the text, the topic, kept members and the id
 */
#ifndef GR_CORPUS_RECORD_H
#define GR_CORPUS_RECORD_H

#include <jansson.h>

#include "corpus/reader.h"

typedef struct gr__record {
    gr__sink *sink;
    const gr_source *source;
    const char *path;
    size_t line; /* where the record begins, for errors */
    bool first;  /* of its file: its members are those that a wrong name may have meant */
} gr__record;

/* object must be an object, else GR_ERR_FORMAT. */
gr_status gr__record_add(const gr__record *r, const json_t *object, gr_error *err);

/* Nothing but blanks. */
bool gr__record_is_blank(const char *text, size_t length);

#endif
