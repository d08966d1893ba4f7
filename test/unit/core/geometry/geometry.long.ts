import t from 'tap';
import { geometryProperties } from '../../../support/geometry.ts';

geometryProperties(t, 10_000);
