/** Style sheets as text; `styles.mjs` makes them. */
declare module '*.style.js' {
  const text: string;
  export default text;
}
