import { nextLoader } from 'rendition-client/next';

export default nextLoader(process.env.NEXT_PUBLIC_RENDITION ?? '');
