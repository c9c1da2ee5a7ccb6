/** Limit of the number of positions HW up to which the whole map of pairs, HW x HW an image, is made. */
export const largestMap = 4096;
