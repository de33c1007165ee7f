/* The curves that losses were looked up on, a line each. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "io/json.h"
#include "report/lines.h"
#include "report/result_text.h"

/* Every seed has a curve of its own; the result keeps the first one. */
const char gr__curves_heading[] = "Curves that losses are looked up on (first seed; x as a share of the largest)";

/* The largest x of the points, which the others are shares of. */
static double largest_of(const json_t *curve) {
    double largest = 0;
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(curve, "points"), i, point)
        largest = fmax(largest, gr__number_of(point, "x"));
    return largest;
}

/* "L = 2.10 + 0.31 (x + 0.02)^-0.45, off by 0.004 at most, from 3.20 to 2.41". */
static void add_law(char **line, const json_t *curve) {
    /* b is of x in its own unit: so it is L at the largest x, less a. */
    const double largest = largest_of(curve), c = gr__number_of(curve, "c"), shift = gr__number_of(curve, "shift");
    gr__append(line, "L = %.3f + %.3f ", gr__number_of(curve, "a"), gr__number_of(curve, "b") * pow(largest, -c));
    if (shift > 0)
        gr__append(line, "(x + %.3g)^-%.3f", shift / largest, c);
    else
        gr__append(line, "x^-%.3f", c);
    gr__append(line, ", off by %.3f at most, from %.3f to %.3f", gr__number_of(curve, "off"),
               gr__number_of(curve, "from"), gr__number_of(curve, "to"));
}

/* "; compute ratio (routed_off) 2.512, above all of the curve": what was looked up, and why it was not found. */
static void add_loss(char **line, const char *title, const json_t *curve) {
    /* An arm with a knob has a loss for each value; without a law there are no ends. */
    const double loss = gr__number_of(curve, "loss");
    if (!json_is_number(json_object_get(curve, "loss")) || !json_object_get(curve, "c"))
        return;
    const char *why = gr__text_of(curve, "why");
    gr__append(line, "; %s %.3f%s%s", title, loss, why ? ", " : "", why ? why : "");
}

const char *gr__figure_title(const json_t *table, const char *key) {
    size_t i;
    json_t *figure;
    json_array_foreach(json_object_get(table, "figures"), i, figure) {
        const char *is = gr__text_of(figure, "key"), *title = gr__text_of(figure, "title");
        if (is && title && !strcmp(is, key))
            return title + strspn(title, " "); /* blanks set it under another */
    }
    return key;
}

char *gr__looked_up_title(const json_t *table, const char *key, const json_t *curve) {
    const char *of = gr__text_of(curve, "of"), *after = gr__text_of(curve, "after");
    return gr_format("%s (%s%s%s)", gr__figure_title(table, key), of ? of : "an arm", after ? " after " : "",
                     after ? after : "");
}

/* "operations of 4 models of trained, on retain: L = ..". */
static void begin_line(char **line, const json_t *curve) {
    const char *x = gr__text_of(curve, "x"), *along = gr__text_of(curve, "along"), *group = gr__text_of(curve, "group");
    const char *measure = gr__text_of(curve, "measure"), *why = gr__text_of(curve, "why");
    gr__append(line, "%s of %zu models of %s, on %s%s%s: ", x ? x : "x",
               json_array_size(json_object_get(curve, "points")), along ? along : "an arm", group ? group : "a group",
               measure ? ", " : "", measure ? measure : "");
    if (json_object_get(curve, "c"))
        add_law(line, curve);
    else
        gr__append(line, "%s", why ? why : "there is no curve");
}

bool gr__curve_is_again(const json_t *curves, const json_t *curve) {
    const char *key;
    json_t *other;
    json_object_foreach((json_t *)curves, key, other) {
        if (other == curve)
            return false;
        if (json_equal(json_object_get(other, "points"), json_object_get(curve, "points")))
            return true;
    }
    return false;
}

json_t *gr__curves_of(const json_t *table, const json_t *point) {
    json_t *list = json_array(), *curves = json_object_get(point, "curves"), *curve, *other;
    const char *key, *of;
    json_object_foreach(curves, key, curve) {
        char *line = NULL;
        if (gr__curve_is_again(curves, curve))
            continue;

        /* The curve, and all that is looked up on it. */
        begin_line(&line, curve);
        json_object_foreach(curves, of, other)
            if (json_equal(json_object_get(other, "points"), json_object_get(curve, "points"))) {
                char *title = gr__looked_up_title(table, of, other);
                add_loss(&line, title, other);
                gr_free(title);
            }
        json_array_append_new(list, gr_json_text(line));
        gr_free(line);
    }
    return list;
}

void gr__print_curves(FILE *out, const json_t *table, const json_t *point) {
    json_t *list = gr__curves_of(table, point), *line;
    size_t i;
    if (json_array_size(list) > 0)
        fprintf(out, "\n%s\n", gr__curves_heading);
    json_array_foreach(list, i, line)
        gr__print_wrapped(out, json_string_value(line), 2, 4);
    json_decref(list);
}
