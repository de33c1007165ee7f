/* measures.h - every measure, one line each, in the order in which they are taken: GR_MEASURE(name) for
 * gr__measure_name in name.c. */
GR_MEASURE(loss)
GR_MEASURE(shared)
GR_MEASURE(calibrated)
GR_MEASURE(accuracy)
GR_MEASURE(complete)
GR_MEASURE(choice)
GR_MEASURE(facts)
