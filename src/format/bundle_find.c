/* Finding a model folder, and what it holds, without loading it. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "format/arch_json.h"
#include "format/bundle_place.h"
#include "format/manifest.h"
#include "gradroute/bundle.h"
#include "io/file.h"

/* The model in a model folder, a run or an audit. */
gr_status gr_bundle_find(char **path, const char *given, gr_error *err) {
    static const char *const within[] = {"", "/model", "/subject/model", "/routed/model"};
    *path = NULL;
    const int places = sizeof within / sizeof *within;

    /* A process that was killed may have left a model under another name. */
    for (int i = 0; i < places; i++) {
        char *model = gr_format("%s%s", given, within[i]);
        gr__place_mend(model);
        gr_free(model);
    }

    /* The first of the places that has a manifest. */
    for (int i = 0; i < places && !*path; i++) {
        char *manifest = gr_format("%s%s/manifest.json", given, within[i]);
        if (gr_file_exists(manifest))
            *path = gr_format("%s%s", given, within[i]);
        gr_free(manifest);
    }
    if (*path)
        return GR_OK;

    if (!gr_file_exists(given))
        return gr__input_error(err, given, ENOENT);
    return gr_error_set(err, GR_ERR_USAGE, given,
                        "name a folder with a manifest.json, or a run that is finished (train --resume and audit go on "
                        "with one that is not)",
                        "there is no model here");
}

/* Description and digest of a manifest that was read and verified. */
static gr_status describe(gr_arch_def **def, char sha256[65], json_t **manifest, const char *place, gr_error *err) {
    json_t *arch, *sum;
    GR_TRY(gr__manifest_read(manifest, place, err));
    GR_TRY(gr_json_member(*manifest, &arch, "arch", JSON_OBJECT, place, err));
    GR_TRY(gr_json_member(*manifest, &sum, "sha256", JSON_STRING, place, err));
    memcpy(sha256, json_string_value(sum), 65); /* compared with a digest of this length */
    if (gr__arch_from_json(def, arch, place, err) == GR_OK)
        return GR_OK;
    if (err)
        err->status = GR_ERR_FORMAT; /* a description that cannot be built is the file's fault here */
    return GR_ERR_FORMAT;
}

gr_status gr_bundle_describe(gr_arch_def **def, char sha256[65], const char *path, gr_error *err) {
    char *place = gr_format("%s/manifest.json", path);
    json_t *manifest = NULL;
    *def = NULL;
    gr__place_mend(path);
    gr_status status = describe(def, sha256, &manifest, place, err);
    json_decref(manifest);
    gr_free(place);
    return status;
}
