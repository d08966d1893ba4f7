/** As a browser says it. */
export const BROWSER = { accept: 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8' };

/** The path of a picture that nobody has asked for, by its number: enough for five rounds of a minute. */
export const newPicture = (number: number): string =>
  `/img/ladybug.jpg?w=${200 + (number % 1000)}&q=${20 + Math.floor(number / 1000)}`;
