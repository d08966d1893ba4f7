/** A truncated or corrupt file is refused, not shown in half: every warning of a decoder is an error. */
export const FAIL_ON = 'warning';
