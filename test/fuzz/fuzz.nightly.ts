import { seedOfDay } from '../support/seeded.ts';
import { fuzz } from './fuzz.ts';

fuzz({ queries: 1_000_000, images: 20_000, seed: seedOfDay() });
