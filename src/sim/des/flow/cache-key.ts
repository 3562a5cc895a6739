/** One number per kind of value (`System.content`) and key, for caches that hold keys of several kinds. */
export const cacheKey = (content: number, key: number): number => content * 2 ** 32 + key
