declare module '*.wgsl' {
  const source: string;
  export default source;
}

declare module '*.wasm' {
  const bytes: Uint8Array;
  export default bytes;
}

// The package's "main" is CommonJS marked as ESM, which Node refuses; this is its ES module.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
