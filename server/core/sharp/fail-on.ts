/**
 * A cut or corrupt file is refused, not shown in half. Warnings are not damage: cameras and editors write stray bytes
 * before a marker, odd scan parameters and tags of their own, and the picture behind them is whole.
 */
export const FAIL_ON = 'error';
