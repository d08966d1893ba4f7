/** Events of a text/event-stream (HTML, 9.2.6): those with data, as `{ id, event, data }`. */
export function readEvents() {
  let buffer = '';
  return (chunk) => {
    const blocks = (buffer + chunk).replaceAll('\r\n', '\n').split('\n\n');
    buffer = blocks.pop();
    return blocks.map(readBlock).filter(({ data }) => data !== undefined);
  };
}

function readBlock(block) {
  const fields = {};
  for (const line of block.split('\n')) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (name)
      fields[name] = name === 'data' && fields.data !== undefined ? `${fields.data}\n${value}` : value;
  }
  return fields;
}
