import type { Page } from 'playwright-core';

/** A node of Chromium's accessibility tree: what a screen reader is handed. */
interface AxNode {
  readonly nodeId: string;
  readonly ignored: boolean;
  readonly role?: { readonly value?: string } | undefined;
  readonly name?: { readonly value?: string } | undefined;
  readonly properties?:
    | readonly { readonly name: string; readonly value: { readonly value?: unknown } }[]
    | undefined;
}

/** What somebody who hears the page must be able to tell apart. */
const NAMED = new Set(
  'button link textbox searchbox checkbox radio switch slider spinbutton combobox listbox tab tabpanel menuitem option progressbar image img dialog alertdialog region navigation group heading'.split(
    ' ',
  ),
);

/** The tree of a page, without what is not in it. */
export async function treeOf(page: Page): Promise<AxNode[]> {
  const session = await page.context().newCDPSession(page);
  try {
    const { nodes }: { nodes: AxNode[] } = await session.send('Accessibility.getFullAXTree');
    return nodes.filter(({ ignored }) => !ignored);
  } finally {
    await session.detach();
  }
}

const property = ({ properties = [] }: AxNode, name: string): unknown =>
  properties.find((entry) => entry.name === name)?.value.value;

const described = ({ role, name }: AxNode): string => `${role?.value} "${name?.value ?? ''}"`;

/** Controls, pictures and headings that have no name. */
export function nameless(tree: readonly AxNode[]): string[] {
  const roles = tree.filter(({ role }) => NAMED.has(role?.value ?? ''));
  // A fieldset without a legend groups for the eye alone.
  const must = roles.filter(({ role }) => role?.value !== 'group');
  return must
    .filter(({ name }) => !name?.value?.trim())
    .map((node) => `without a name: ${described(node)} ${node.nodeId}`);
}

/** Roles of the regions whose changes are read out. */
export const liveRegions = (tree: readonly AxNode[]): string[] =>
  tree
    .filter((node) => property(node, 'live') && node.role)
    .map((node) => `${node.role?.value}: ${property(node, 'live')}`);

/** Runs in the page before its own scripts: notes what each live region comes to say. */
export const LISTEN = `
  window.heard = [];
  const regionOf = (node) => (node instanceof Element ? node : node.parentElement)?.closest('[role=status], [role=alert], [aria-live]');
  new MutationObserver((changes) => {
    const regions = new Set();
    for (const { target, addedNodes } of changes) {
      regions.add(regionOf(target));
      for (const added of addedNodes)
        if (added instanceof Element) for (const alert of added.querySelectorAll('[role=alert]')) regions.add(alert);
    }
    for (const region of regions) {
      const text = region?.textContent.trim();
      if (text) heard.push(region.getAttribute('role') + ': ' + text);
    }
  }).observe(document, { childList: true, characterData: true, subtree: true });
`;

export const heard = (page: Page): Promise<string[]> => page.evaluate<string[]>('heard');
