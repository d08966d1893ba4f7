import { seedOfRun } from '../support/seeded.ts';
import { fuzz } from './fuzz.ts';

fuzz({ queries: 50_000, images: 2_000, seed: seedOfRun() });
