/** One number per data set and key, for maps that hold keys of several data sets. Data −1: a value without a key. */
export const cacheKey = (data: number, key: number): number => (data + 1) * 2 ** 32 + key

export const dataOfCacheKey = (cacheKeyNumber: number): number => Math.floor(cacheKeyNumber / 2 ** 32) - 1
