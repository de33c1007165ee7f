/* fetch.h - a file over HTTP, gone on with where an earlier call stopped, and checked against its digest. libcurl.
 *
 *     gr_fetch_def def = {.url = "https://example.org/a.gz", .path = "data/a.gz", .sha256 = "ba7816bf..."};
 *     gr_fetched got;
 *     GR_TRY(gr_fetch(&got, &def, err));
 *
 * What arrives goes to PATH.part, and only a file whose SHA-256 is the one asked for gets the name PATH: a file of that
 * name is complete. A PATH.part that is there is gone on with by a range request, if there is a digest to vouch for the
 * whole; a server that ignores ranges, or no longer has as much, makes it start over. A file that is whole but has
 * another digest stays PATH.part, and the next call starts over unless it has the digest asked for then. A file PATH
 * with the right digest is not fetched again; with another, or where no digest is given, it is GR_ERR_USAGE and stays.
 *
 * Redirections are followed, 10 at most, from https to https alone. Proxies are those of the environment, as libcurl
 * has it. The place of errors is the URL.
 * GR_ERR_USAGE: an address or digest that makes no sense, a file in the way. GR_ERR_INPUT: the server has no such file
 * (its status is in the message), or cannot be found. GR_ERR_FORMAT: another digest. GR_ERR_IO: the connection broke or
 * stalled for a minute, or a file cannot be written. GR_ERR_INTERRUPTED.
 */
#ifndef GR_IO_FETCH_H
#define GR_IO_FETCH_H

#include <signal.h>

#include "gradroute/base.h"
#include "io/digest.h"

typedef struct gr_fetch_def {
    const char *url;                                          /* http or https */
    const char *path;                                         /* its folder exists */
    const char *sha256;                                       /* 64 hexadecimal digits; NULL: any */
    void (*progress)(void *user, int64_t done, int64_t size); /* bytes; size 0: not known yet; NULL: none */
    void *user;
    const volatile sig_atomic_t *stop; /* NULL: never */
} gr_fetch_def;

typedef struct gr_fetched {
    char sha256[GR_DIGEST_HEX];
    int64_t size;    /* of the file */
    int64_t resumed; /* bytes of it that an earlier call had fetched */
    bool kept;       /* it was there already */
} gr_fetched;

gr_status gr_fetch(gr_fetched *got, const gr_fetch_def *def, gr_error *err);

#endif
