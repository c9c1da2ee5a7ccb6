/** Largest number of positions HW whose whole map of pairs, HW x HW values an image, is made. */
export const largestMap = 4096;
