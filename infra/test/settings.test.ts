import t from 'tap';
import { loadSettings } from '../load.ts';
import { SETTINGS } from '../settings.ts';

const complaint = (values: object, environment: Record<string, string> = {}): string => {
  try {
    loadSettings({ ...values }, environment);
    return '';
  } catch (error) {
    return String(error);
  }
};

t.test('every default is accepted by its own row', async (t) => {
  t.equal(complaint({}), '');
  t.equal(Object.keys(loadSettings({}, {})).length, Object.keys(SETTINGS).length);
});

t.test('a value that is not accepted is named with what is', async (t) => {
  const rows: [object, string][] = [
    [{ size: 'huge' }, 'size="huge": expected one of tiny, small, medium, large'],
    [{ image: 'rendition:latest' }, 'image="rendition:latest": expected repository@sha256:digest'],
    [{ result_days: 0 }, 'result_days=0: expected a whole number from 1 to 3650'],
    [{ region: 'Frankfurt' }, 'region="Frankfurt": expected a region such as eu-central-1'],
    [{ cors_origins: ['example.com'] }, 'cors_origins=["example.com"]: expected a list of origins'],
    [{ alarm_email: 'nobody' }, 'alarm_email="nobody": expected an e-mail address'],
    [{ protect: 'maybe' }, 'protect="maybe": expected true or false'],
    [{ environment: { port: '1' } }, 'expected NAME: "text" pairs'],
    [{ siez: 'small' }, 'siez: no such variable'],
    [{ domain: 'img.example.com' }, 'domain needs certificate_arn'],
    [{ hosted_zone: 'Z0123456789' }, 'certificate_arn and hosted_zone need domain'],
    [{ region: 'eu-north-1' }, 'shield_region: eu-north-1 has no Origin Shield; name one of us-east-1'],
    [{ budget_usd: 10 }, 'budget_usd needs alarm_email'],
  ];
  for (const [values, expected] of rows) t.match(complaint(values), expected);
});

t.test('all complaints come at once', async (t) => {
  const text = complaint({ size: 'huge', result_days: 0 }, { RENDITION_REGOIN: 'x' });
  for (const name of ['size=', 'result_days=', 'RENDITION_REGOIN: no such variable']) t.match(text, name);
});

t.test('the environment wins over the stage, and is text', async (t) => {
  const environment = {
    RENDITION_SIZE: 'large',
    RENDITION_PROTECT: 'false',
    RENDITION_RESULT_DAYS: '7',
    RENDITION_CORS_ORIGINS: 'https://a.example,https://b.example',
    RENDITION_ENVIRONMENT: '{"LOG_LEVEL":"debug"}',
  };
  const settings = loadSettings({ size: 'small' }, environment);
  t.match(settings, {
    size: 'large',
    protect: false,
    result_days: 7,
    cors_origins: ['https://a.example', 'https://b.example'],
    environment: { LOG_LEVEL: 'debug' },
  });
});
