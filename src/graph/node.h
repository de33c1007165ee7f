/* node.h - a node of a graph, and what an operation promises about its nodes. A graph is built, planned and run by
 * these promises: nothing outside of src/op knows an operation by its name.
 */
#ifndef GR_GRAPH_NODE_H
#define GR_GRAPH_NODE_H

#include "gradroute/graph.h"

enum { GR_OP_INPUTS = 6, GR_OP_PARAMS = 6, GR_OP_TAPS = 5 };

typedef struct gr_op gr_op;
typedef struct gr_ctx gr_ctx;             /* what a pass of one node may touch (op/op.h) */
typedef struct gr_op_decode gr_op_decode; /* op/decode.h */

/* A node of the graph: constant once built. */
typedef struct gr_node {
    const gr_op *op;
    int inputs, in[GR_OP_INPUTS];    /* values read */
    int params, param[GR_OP_PARAMS]; /* parameters read */
    int taps, tap[GR_OP_TAPS]; /* taps whose forward weights the node reads (a norm's groups), GR_NONE: always 1 */
    int width;                 /* columns of the result */
    bool scalar;               /* the result is one number */
    int most;                  /* columns of a row that may be other than 0; 0: all of them */
    bool half;                 /* the result may be kept in bfloat16: nothing is summed up in it */
    const void *attr;          /* the op's own constants, owned by the graph */
    int offset;                /* views: first column in the input */
    int grad_alias; /* 1 + the input whose gradient is that of the result and may share its buffer; 0: none */
    gr_tap point;   /* tap nodes: the tap, else GR_NONE */
    int segment;    /* 1.. in the order of the graph, 0: of none; set by gr__graph_add */
} gr_node;

/* A product of a node's rows with a parameter: what of it a row is multiplied by, where nothing is off. */
typedef struct gr_op_product {
    int in, param;  /* slots of the node: what is multiplied, and by what */
    int lo, hi;     /* columns of the parameter that are used, all of its rows */
    double numbers; /* of those that one row meets, at most */
    double back;    /* share of the product's columns that pass gradient to the input */
} gr_op_product;

/* A small network for the gradient check: builds on a leaf value x [N x width] and returns the value to probe. */
typedef struct gr_op_case {
    const char *name;
    int rows, width;
    gr_value (*build)(gr_graph *graph, gr_value x);
} gr_op_case;

struct gr_op {
    const char *name;
    /* Numbers (gr_real) kept from forward to backward, and needed during a call; NULL: none. capacity: rows. */
    size_t (*state)(const gr_node *node, int capacity, int block);
    size_t (*scratch)(const gr_node *node, int capacity, int block);
    /* Its products with parameters, number i from 0; false: there is no such. NULL: none. */
    bool (*product)(const gr_node *node, int i, gr_op_product *product);
    void (*prepare)(gr_ctx *ctx); /* once per run: creates products for the shapes it will meet; may allocate */
    void (*release)(gr_ctx *ctx);
    void (*forward)(gr_ctx *ctx, int r0, int r1);
    void (*backward)(gr_ctx *ctx, int r0, int r1); /* NULL: a view, or passes no gradient */
    bool reads_ids;       /* the rows of its first parameter are numbered by the ids of the batch */
    bool view;            /* the result is columns of the input: no buffer of its own, no passes */
    bool blocks_gradient; /* passes no gradient to its inputs although the value is shared */
    bool couples_rows;    /* couples rows beyond documents: every pass gets [0, capacity) */
    bool needs_output;    /* backward reads the result */
    bool needs_no_input;  /* backward reads no input: gradients, parameters and its state are enough */
    bool grad_in_place; /* backward reads each row of its input once, before it writes the row's gradient: in its place
                         */
    bool keeps_zero;    /* rows that are 0 in every input are 0 in the result */
    bool half;          /* reads inputs that are kept in bfloat16, and writes their gradients so */
    bool foresees_tap;  /* reads the weights of the tap that is the only reader of its result; all 1 if there is none */
    bool skips_zero; /* forward and backward neither read inputs nor write their gradients in blocks with in[].zero set
                      */
    const gr_op_decode *decode; /* how one row follows those before it (decode.h); NULL: forward serves */
    const gr_op_case *cases;    /* ends with a NULL name */
};

/* Adds a node; checks that inputs and parameters exist. attr (size bytes) is copied. */
gr_value gr__graph_add(gr_graph *graph, const gr_node *node, const void *attr, size_t size);

/* The same for a node that is the tap of this name over all columns of its result; checks that the name is free. */
gr_value gr__graph_add_tap(gr_graph *graph, const gr_node *node, const char *name);

int gr__value_most(const gr_graph *graph, gr_value v); /* columns of a row that may be other than 0 */
const gr_param_def *gr__graph_param_def(const gr_graph *graph, gr_param p); /* NULL if there is none */

#endif
