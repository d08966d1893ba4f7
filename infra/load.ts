import { programComplaint } from './program-settings.ts';
import {
  SETTINGS,
  type SettingName,
  type Settings,
  SHIELD_REGIONS,
  type Values,
  variableName,
} from './settings.ts';
import { SIZES } from './sizing.ts';
import { EXCLUDED_ZONES } from './zones.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What no single row can know; each gives its complaint or undefined. */
const RULES: readonly ((settings: Settings) => string | undefined)[] = [
  ({ domain, certificate_arn, hosted_zone }) =>
    domain && !certificate_arn && !hosted_zone
      ? 'domain needs certificate_arn (a certificate that exists) or hosted_zone (to prove a new one)'
      : undefined,
  ({ domain, certificate_arn, hosted_zone }) =>
    !domain && (certificate_arn || hosted_zone) ? 'certificate_arn and hosted_zone need domain' : undefined,
  ({ region }) =>
    /^(cn|us-gov|us-iso\w*|eu-isoe|eusc)-/.test(region)
      ? `region: ${region} lies outside the partition aws; VPC origins of CloudFront are there alone`
      : undefined,
  ({ zones }) => (zones.length === 1 ? 'zones: a balancer needs two' : undefined),
  ({ region, zones }) => {
    const unfit = zones.filter((zone) => EXCLUDED_ZONES[region]?.includes(zone));
    return unfit.length > 0 ? `zones: ${unfit.join(', ')} has no VPC origins or no Fargate` : undefined;
  },
  ({ size, min_servers }) =>
    min_servers > SIZES[size].server.maxTasks
      ? `min_servers: ${size} has ${SIZES[size].server.maxTasks} at most`
      : undefined,
  ({ region, shield, shield_region }) =>
    !shield || SHIELD_REGIONS.some((one) => one === (shield_region || region))
      ? undefined
      : `shield_region: ${shield_region || region} has no Origin Shield; name one of ${SHIELD_REGIONS.join(', ')}, or set shield to false`,
  ({ budget_usd, alarm_email }) =>
    budget_usd > 0 && !alarm_email ? 'budget_usd needs alarm_email, someone has to be told' : undefined,
  ({ collector_image, environment }) =>
    collector_image && environment.OTEL_EXPORTER_OTLP_ENDPOINT
      ? 'collector_image: traces go to OTEL_EXPORTER_OTLP_ENDPOINT of environment already'
      : undefined,
  ({ environment }) => programComplaint(environment),
];

function unknownNames(stage: Values, environment: Environment): string[] {
  const variables = new Set(Object.keys(SETTINGS).map(variableName));
  const strangers = Object.keys(environment).filter(
    (name) => name.startsWith('RENDITION_') && !variables.has(name),
  );
  return [...Object.keys(stage).filter((name) => !(name in SETTINGS)), ...strangers].map(
    (name) => `${name}: no such variable`,
  );
}

function given(name: SettingName, stage: Values, environment: Environment): unknown {
  const fromEnvironment = environment[variableName(name)];
  if (fromEnvironment === undefined) return stage[name] ?? SETTINGS[name].fallback;
  return name === 'environment' ? JSON.parse(fromEnvironment) : fromEnvironment;
}

/**
 * The variables of one stage. The environment wins over the stage's row in `stages.json`.
 *
 * @throws  one Error that lists every variable that cannot be accepted, with what is accepted
 */
export function loadSettings(stage: Values, environment: Environment): Settings {
  const complaints = unknownNames(stage, environment);
  const names = Object.keys(SETTINGS) as SettingName[];
  const rows = names.map((name) => {
    try {
      return [name, SETTINGS[name].parse(given(name, stage, environment))];
    } catch (error) {
      const received = JSON.stringify(environment[variableName(name)] ?? stage[name]);
      complaints.push(`${name}=${received}: ${error instanceof Error ? error.message : String(error)}`);
      return [name, SETTINGS[name].fallback];
    }
  });
  const settings = Object.fromEntries(rows) as Settings;
  complaints.push(...RULES.map((rule) => rule(settings)).filter((one) => one !== undefined));
  if (complaints.length > 0) throw new Error(`Variables not accepted:\n  ${complaints.join('\n  ')}`);
  return Object.freeze(settings);
}
