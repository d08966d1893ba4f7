import t from 'tap';
import { geometryProperties } from '../../../support/geometry.ts';

await geometryProperties(t, 10_000);
