/** The bundler hands style sheets on as text. */
declare module '*.css' {
  const text: string;
  export default text;
}
