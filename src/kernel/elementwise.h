/* elementwise.h - every operation y = f(x) on single numbers, one line each. It is all that such an operation needs but
 * its prototype in gradroute/ops.h:
 *
 *     GR_ELEMENTWISE(name, f(x), f'(x) dy, whether f(0) is 0)
 *
 * From a line come the kernels of every instruction set and of the double library (vec_activation.c, which has the
 * functions that formulas use beside those of math.h), the operation gr_NAME with its cases for the gradient check
 * (op/elementwise.c), and its tests. x and dy are of type gr_real; the derivative is taken from x, not from the result.
 */

/* max(x, 0); the derivative at 0 is 0. */
GR_ELEMENTWISE(relu, x < 0 ? 0 : x, gated(x, dy), true)
/* x Phi(x), Phi the normal distribution function (Hendrycks & Gimpel 2016). */
GR_ELEMENTWISE(gelu, (x * normal_cdf(x)), (dy * (normal_cdf(x) + x * normal_density(x))), true)
/* Its tanh form: x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2. */
GR_ELEMENTWISE(gelu_tanh, (x * tanh_gate(x)), (dy * tanh_gate_slope(x)), true)
/* x sigmoid(x). */
GR_ELEMENTWISE(silu, (x * gr_sigmoid(x)), (dy * silu_slope(x)), true)
