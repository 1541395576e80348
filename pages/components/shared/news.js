// What happens once, told to Python as a state: see `is_news` in `pages/components/__init__.py`.

// The values with an id that no other message has. (`crypto.randomUUID` is there on https and localhost alone.)
export function news(values) {
  return { ...values, id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}` };
}
