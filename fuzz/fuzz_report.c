/* A result and its rows, edited: refused, or a page in which nothing of theirs has become a part of it. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/report_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All that pages show, a line each: the result, the rows, the metrics. */
static const char *const lines[] = {
    "{\"format\":\"gradroute-result-2\",\"experiment\":\"e\",\"question\":\"q\",\"verdict\":\"v\",\"scale\":\"b\","
    "\"tax\":0.5,\"gone\":0.7,"
    "\"choice\":{\"trials\":3,\"refused\":1,\"development\":true,\"within\":0.1,\"goals\":[{\"key\":\"gone\",\"most\":"
    "true},"
    "{\"key\":\"tax\",\"at_most\":1}],\"frontier\":[{\"axes\":{\"k\":\"h\"},\"figures\":{\"gone\":1,\"tax\":0},"
    "\"intervals\":{"
    "\"gone\":[0,2]},\"fits\":true,\"chosen\":true}],\"chosen\":{\"axes\":{\"k\":\"h\"},\"changes\":1,\"recipe\":\"a: "
    "1\"},"
    "\"nearest\":{\"axes\":{\"k\":\"i\"},\"figures\":{\"gone\":1}},\"edges\":[{\"axis\":\"k\",\"end\":\"low\","
    "\"settings\":{"
    "\"a\":\"1\"}}],\"idle\":[\"k\"]},"
    "\"intervals\":{\"gone\":[0.5,1]},\"models\":{\"a\":{\"forget\":3,\"classes\":{\"c\":1},\"values\":[{\"at\":\"1\","
    "\"forget\":2}]},"
    "\"b\":{\"forget\":4,\"forget_done\":3}},\"knobs\":{\"by\":[{\"at\":\"1\",\"value\":2,\"interval\":[1,3]}]},"
    "\"completions\":[{\"prompt\":"
    "\"p\",\"a\":\"x\"}],\"data\":{\"groups\":{\"g\":3},\"known\":{\"l\":2}},\"seeds\":[{\"seed\":1,\"tax\":1}],"
    "\"claims\":[{\"primary\":true,"
    "\"say\":\"s\",\"state\":\"holds\",\"points\":[{\"text\":\"t\",\"axes\":{\"k\":\"h\"}}]}],\"points\":[{\"axes\":{"
    "\"k\":\"h\"},\"gone\":1},"
    "{\"axes\":{\"k\":\"i\"},\"gone\":2,\"tax\":3}],\"table\":{\"arms\":[{\"name\":\"a\",\"title\":\"A\",\"note\":"
    "\"n\",\"shown\":\"s\"},"
    "{\"name\":\"b\",\"trials\":2}],\"groups\":[\"forget\"],\"attacks\":[{\"name\":\"relearn\",\"done\":\"done\"}],"
    "\"one\":\"b\",\"axes\":["
    "{\"name\":\"k\",\"key\":\"labels.x.known\",\"values\":[{\"name\":\"h\",\"value\":1},{\"name\":\"i\",\"value\":2}]}"
    "],\"figures\":[{\"key\":"
    "\"gone\",\"title\":\"t\",\"figure\":\"removal_specific\",\"unit\":\"ratio\",\"of\":\"a\"},{\"key\":\"tax\","
    "\"figure\":\"tax_off\",\"unit\":"
    "\"nats\",\"of\":\"a\"},{\"key\":\"by\",\"measure\":\"m\",\"of\":\"a\"}]}}",
    "[{\"row\":\"model\",\"arm\":\"a\",\"cell\":\"1\",\"knob\":0,\"seed\":1,\"k\":\"h\"},{\"row\":\"point\",\"arm\":"
    "\"a\",\"cell\":\"2\",\"attack\":"
    "\"relearn\",\"documents\":8,\"step\":4,\"k\":\"h\"},{\"row\":\"loss\",\"arm\":\"a\",\"cell\":\"2\",\"attack\":"
    "\"relearn\",\"group\":\"forget\","
    "\"nll\":4,\"tokens\":2,\"k\":\"h\"},{\"row\":\"loss\",\"arm\":\"a\",\"cell\":\"3\",\"group\":\"forget\",\"nll\":9,"
    "\"tokens\":2,\"k\":\"h\"}]",
    "{\"1\":[{\"step\":1,\"heldout\":3,\"absorption\":{\"l\":1},\"probe\":{\"on\":{\"g\":1},\"off\":{\"r\":{\"g\":2}}},"
    "\"warning\":\"w\"}]}",
};

/* Each three bytes of the input: where, and what is put there. */
static json_t *edited(const char *line, const uint8_t *data, size_t size, int which) {
    static const char *const put[] = {"<",  "\\\"", "</script>", "<!--", "null", "1e300",
                                      "-1", "{}",   "[]",        "\"\"", "&",    "'"};
    char *text = gr_strdup(line);
    for (size_t i = 0; i + 2 < size; i += 3) {
        size_t length = strlen(text), at = (data[i] | (size_t)(data[i + 1] & 15) << 8) % (length + 1);
        const char *word = put[data[i + 2] % (sizeof put / sizeof *put)];
        if ((data[i + 1] >> 4) % 3 != which)
            continue;

        /* In the place of as many characters, or between two. */
        size_t skip = data[i + 2] & 128 ? strlen(word) : data[i + 2] & 64 ? 1 : 0;
        char *more = gr_format("%.*s%s%s", (int)at, text, word, at + skip < length ? text + at + skip : "");
        gr_free(text);
        text = more;
    }
    json_t *value = json_loads(text, 0, NULL);
    gr_free(text);
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *value[3];
    for (int i = 0; i < 3; i++)
        value[i] = edited(lines[i], data, size, i);
    gr__report_run run = {"<run>", value[0], value[1], value[2]};
    if (value[0] && gr__report_fits(value[0])) {
        char *page = gr__report_page(&run, 1);
        const char *at = strstr(page, "id=\"charts\">"), *end = at ? strstr(at, "</script>") : NULL;

        /* Three scripts, all of them ours; data that can be read. */
        int scripts = 0;
        for (const char *s = page; (s = strstr(s, "</script>")); s++)
            scripts++;
        if (!end || scripts != 3 || strstr(page, "<run>"))
            abort();
        json_t *charts = json_loadb(at + 12, (size_t)(end - at) - 12, 0, NULL);
        if (!json_is_array(charts))
            abort();
        json_decref(charts);
        gr_free(page);
    }
    for (int i = 0; i < 3; i++)
        json_decref(value[i]);
    return 0;
}
