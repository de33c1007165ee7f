/* A file over HTTP. libcurl calls on_header and on_body while an answer comes in; the first bytes of a body decide
 * whether the part on the disk is gone on with or written anew (place). What has arrived stays in PATH.part until its
 * digest is the one asked for. */
#include "io/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

enum { HTTP_PART = 206, HTTP_NO_RANGE = 416, CONNECT_SECONDS = 30, STALL_SECONDS = 60, REDIRECTIONS = 10 };

/* One fetch, over one or two requests. */
typedef struct transfer {
    const gr_fetch_def *def;
    char *part; /* PATH.part */
    int fd;
    int64_t from, have; /* bytes asked to go on from; bytes in the file */
    int64_t begins;     /* where the server says its part begins, -1: it does not */
    bool begun;         /* the answer's first bytes were placed */
    int write_error;    /* errno, 0: none */
    bool misplaced;     /* the server sent another part than asked for */
    bool stopped;       /* by def->stop */
    CURL *curl;
} transfer;

/* What the server said in the end, 0 if nothing. */
static long http_status(const transfer *t) {
    long code = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

/* ---- what libcurl calls ---- */

/* "Content-Range: bytes FIRST-LAST/SIZE"; every answer of a chain of redirections begins anew. */
static size_t on_header(char *text, size_t size, size_t n, void *user) {
    static const char name[] = "content-range:";
    transfer *t = user;

    n *= size;
    if (n >= 5 && strncmp(text, "HTTP/", 5) == 0)
        t->begins = -1;

    /* The line has no 0 at its end, and may be of any length. */
    if (n >= sizeof name && strncasecmp(text, name, sizeof name - 1) == 0) {
        char line[96];
        long long first;
        snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), text);
        if (sscanf(line + sizeof name - 1, " bytes %lld-", &first) == 1 && first >= 0)
            t->begins = first;
    }
    return n;
}

/* The first bytes say whether the part that was asked for comes, or all of it. */
static bool place(transfer *t) {
    bool part = http_status(t) == HTTP_PART;
    t->begun = true;
    t->misplaced = part && t->begins != t->from;
    if (t->misplaced)
        return false;

    /* All of it comes where the server knows no ranges: what was there goes. */
    if (!part)
        t->from = 0;
    t->have = t->from;
    if (ftruncate(t->fd, t->from) || lseek(t->fd, t->from, SEEK_SET) < 0) {
        t->write_error = errno;
        return false;
    }
    return true;
}

/* Writes what has come. Anything but n tells libcurl to give up. */
static size_t on_body(char *bytes, size_t size, size_t n, void *user) {
    transfer *t = user;
    n *= size;
    if (!t->begun && !place(t))
        return 0;

    /* The system may take a part of the bytes at a time. */
    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(t->fd, bytes + done, n - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            t->write_error = wrote < 0 ? errno : ENOSPC;
            return 0;
        }
        done += (size_t)wrote;
    }
    t->have += (int64_t)n;
    return n;
}

/* Tells the caller how far it is; a value other than 0 ends the transfer. */
static int on_progress(void *user, curl_off_t size, curl_off_t now, curl_off_t up_size, curl_off_t up_now) {
    transfer *t = user;
    (void)now, (void)up_size, (void)up_now;
    if (t->def->stop && *t->def->stop) {
        t->stopped = true;
        return 1;
    }
    if (t->def->progress && t->begun)
        t->def->progress(t->def->user, t->have, size > 0 ? t->from + (int64_t)size : 0);
    return 0;
}

/* ---- one request ---- */

/* What holds for every request. */
static void set_up(transfer *t) {
    CURL *c = t->curl;
    bool secure = strncasecmp(t->def->url, "https:", 6) == 0;

    /* Where to: from https never back to http. */
    curl_easy_setopt(c, CURLOPT_URL, t->def->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTIONS);

    /* How: statuses of 400 and more are errors, a connection that stalls is given up, no signals in a library. */
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "gradroute/" GR_VERSION);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);

    /* Who is told. */
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
}

/* The error for a request that failed, with what to do about it. */
static gr_status explain(const transfer *t, CURLcode code, const char *detail, gr_error *err) {
    const char *url = t->def->url, *resume = "give the same command again: it goes on with what has arrived";
    if (t->stopped)
        return gr_error_set(err, GR_ERR_INTERRUPTED, url, resume, "stopped after %lld bytes", (long long)t->have);
    if (t->write_error)
        return gr__file_error(err, t->part, "write", t->write_error);

    /* The server's answer, the address, the way there; anything else is a transfer that broke. */
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        return gr_error_set(err, http_status(t) >= 500 ? GR_ERR_IO : GR_ERR_INPUT, url,
                            http_status(t) >= 500 ? "try again later" : "is the address right, and open to everyone?",
                            "the server answers with HTTP status %ld", http_status(t));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return gr_error_set(err, GR_ERR_USAGE, url, "for example https://example.org/file.gz", "%s", detail);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        return gr_error_set(err, GR_ERR_INPUT, url, "is the name right, and is there a network, or a proxy to name?",
                            "no connection: %s", detail);
    case CURLE_TOO_MANY_REDIRECTS:
        return gr_error_set(err, GR_ERR_INPUT, url, NULL, "more than %d redirections", REDIRECTIONS);
    default:
        return gr_error_set(err, GR_ERR_IO, url, resume, "the transfer failed after %lld bytes: %s", (long long)t->have,
                            detail);
    }
}

/* Asks for what lies behind `from`. *range: the server has nothing there, or sent something else. */
static gr_status request(transfer *t, bool *range, gr_error *err) {
    char detail[CURL_ERROR_SIZE] = "";
    t->curl = curl_easy_init();
    if (!t->curl)
        return gr_error_set(err, GR_ERR_IO, t->def->url, NULL, "libcurl cannot start");

    t->begun = t->misplaced = false;
    t->begins = -1;
    set_up(t);
    curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, detail);
    char *from = t->from ? gr_format("%lld-", (long long)t->from) : NULL;
    if (from)
        curl_easy_setopt(t->curl, CURLOPT_RANGE, from);

    /* An answer of no bytes has not called on_body. */
    CURLcode code = curl_easy_perform(t->curl);
    if (code == CURLE_OK && !t->begun && !place(t))
        code = CURLE_WRITE_ERROR;

    /* Whether the range was at fault is no error: the caller asks again. */
    *range = t->from > 0 && (t->misplaced || (code == CURLE_HTTP_RETURNED_ERROR && http_status(t) == HTTP_NO_RANGE));
    gr_status status = GR_OK;
    if (code != CURLE_OK && !*range)
        status = explain(t, code, detail[0] ? detail : curl_easy_strerror(code), err);

    gr_free(from);
    curl_easy_cleanup(t->curl);
    return status;
}

/* ---- the file ---- */

static bool is_digest(const char *text) {
    return strspn(text, "0123456789abcdefABCDEF") == GR_DIGEST_HEX - 1 && !text[GR_DIGEST_HEX - 1];
}

static bool fits(const gr_fetch_def *def, const char *hex) { return !def->sha256 || strcasecmp(def->sha256, hex) == 0; }

/* From what is there to the whole file. Where nothing follows it may be whole, by its digest; else it starts over. */
static gr_status complete(transfer *t, char hex[GR_DIGEST_HEX], gr_error *err) {
    bool range;
    GR_TRY(request(t, &range, err));
    if (range) {
        GR_TRY(gr_digest_file(hex, t->part, err));
        if (fits(t->def, hex))
            return GR_OK;
        t->from = 0;
        GR_TRY(request(t, &range, err));
    }
    if (fsync(t->fd))
        return gr__file_error(err, t->part, "flush", errno);
    return gr_digest_file(hex, t->part, err);
}

/* The file under its final name, if its digest is that which was asked for. */
static gr_status finish(const transfer *t, gr_fetched *got, gr_error *err) {
    if (!fits(t->def, got->sha256))
        return gr_error_set(err, GR_ERR_FORMAT, t->def->url,
                            "is the digest that of this file? What came stays under the name ending in .part",
                            "the SHA-256 is %s, expected %s", got->sha256, t->def->sha256);
    if (rename(t->part, t->def->path))
        return gr__file_error(err, t->def->path, "rename", errno);
    return gr__flush_parent(t->def->path, err);
}

/* Fetches into the file beside the final one, from where an earlier call ended if a digest can tell that it fits. */
static gr_status fetch_part(transfer *t, gr_fetched *got, gr_error *err) {
    struct stat info;
    t->fd = open(t->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (t->fd < 0)
        return gr__file_error(err, t->part, "write", errno);

    /* Without a digest nothing vouches for what an earlier call left: start over. */
    t->from = t->have = t->def->sha256 && fstat(t->fd, &info) == 0 ? (int64_t)info.st_size : 0;
    gr_status status = complete(t, got->sha256, err);
    got->resumed = t->from;
    got->size = fstat(t->fd, &info) == 0 ? (int64_t)info.st_size : 0;
    if (status == GR_OK)
        status = finish(t, got, err);

    if (got->size == 0) /* nothing came, or it was of no bytes and has its name */
        (void)!unlink(t->part);
    close(t->fd);
    return status;
}

/* A file under the final name is taken for what it is. */
static gr_status look_at_file(const gr_fetch_def *def, gr_fetched *got, gr_error *err) {
    struct stat info;
    if (!gr_file_exists(def->path))
        return GR_OK;
    if (stat(def->path, &info) == 0)
        got->size = (int64_t)info.st_size;
    GR_TRY(gr_digest_file(got->sha256, def->path, err));
    got->kept = def->sha256 && fits(def, got->sha256);
    return got->kept
               ? GR_OK
               : gr_error_set(err, GR_ERR_USAGE, def->path, "remove it, or choose another name",
                              def->sha256 ? "the file is there with another SHA-256, %s" : "the file is there, %s",
                              got->sha256);
}

gr_status gr_fetch(gr_fetched *got, const gr_fetch_def *def, gr_error *err) {
    /* What is asked for must make sense. */
    *got = (gr_fetched){0};
    if (def->sha256 && !is_digest(def->sha256))
        return gr_error_set(err, GR_ERR_USAGE, "sha256", "sha256sum FILE prints one",
                            "'%.80s' is not a SHA-256: 64 hexadecimal digits", def->sha256);

    if (strncasecmp(def->url, "http://", 7) != 0 && strncasecmp(def->url, "https://", 8) != 0)
        return gr_error_set(err, GR_ERR_USAGE, def->url, "for example https://example.org/file.gz",
                            "an address begins with http:// or https://");

    /* Nothing to fetch where the file is there. */
    GR_TRY(look_at_file(def, got, err));
    if (got->kept)
        return GR_OK;

    GR_TRY(gr__parent_make(def->path, err));
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return gr_error_set(err, GR_ERR_IO, def->url, NULL, "libcurl cannot start");

    transfer t = {.def = def, .part = gr_format("%s.part", def->path), .fd = -1};
    gr_status status = fetch_part(&t, got, err);
    gr_free(t.part);
    curl_global_cleanup();
    return status;
}
