import { BudgetsBudget } from '@cdktf/provider-aws/lib/budgets-budget/index.js';
import type { Context } from './context.ts';
import { literal } from './text.ts';

/** A monthly budget that speaks up at four fifths of what was forecast, and at all of it. */
export function budget({ stack, settings, prefix }: Context): void {
  if (settings.budget_usd === 0) return;
  const notification = (notificationType: string, threshold: number) => ({
    notificationType,
    threshold,
    thresholdType: 'PERCENTAGE',
    comparisonOperator: 'GREATER_THAN',
    subscriberEmailAddresses: [literal(settings.alarm_email)],
  });
  new BudgetsBudget(stack, 'budget', {
    name: prefix,
    budgetType: 'COST',
    timeUnit: 'MONTHLY',
    limitAmount: String(settings.budget_usd),
    limitUnit: 'USD',
    costFilter: [{ name: 'TagKeyValue', values: [`user:stage$${prefix.replace('rendition-', '')}`] }],
    notification: [notification('ACTUAL', 80), notification('FORECASTED', 100)],
  });
}
