import { fuzz } from './fuzz.ts';

fuzz({ queries: 1_000_000, images: 20_000 });
