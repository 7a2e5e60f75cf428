/* The legend, which is the layer switch as well. */
"use strict";
(() => {
  const { at, make, words } = App;

  function legend(layer) {
    const theme = layer.themes[layer.theme];
    if (layer.themes.length > 1) layer.list.dataset.theme = theme.label;
    layer.list.textContent = "";
    [theme, layer.marks].filter((part) => part && part.classes.length > 1).forEach((part) => {
      part.classes.forEach(({ label, look }) => {
        const item = make("li");
        item.append(App.swatch(part === layer.marks ? "line" : layer.shape, look), make("span", label));
        layer.list.append(item);
      });
    });
  }

  function choice(type, name, checked, text, onChange) {
    const label = make("label"), input = make("input");
    Object.assign(input, { type, name, checked });
    input.addEventListener("change", () => onChange(input.checked));
    label.append(input, make("span", text));
    return [label, input];
  }

  /* Radio buttons under one name. */
  function choices(name, label, options) {
    const box = make("div", "", "themes");
    box.setAttribute("role", "radiogroup");
    box.setAttribute("aria-label", label);
    box.append(...options.map(([text, onChoice], number) => choice("radio", name, number === 0, text, onChoice)[0]));
    return box;
  }

  function control(layer) {
    const fieldset = layer.fieldset = make("fieldset"), list = make("ul");
    const [label, input] = choice("checkbox", layer.name, layer.shown, layer.label, (shown) => App.show(layer, shown));
    label.className = "layer";
    Object.assign(layer, { box: input, theme: 0, list });
    const [only, second] = layer.themes[0].classes;
    if (layer.themes.length === 1 && !second && only) input.after(App.swatch(layer.shape, only.look));
    fieldset.append(label);
    if (layer.themes.length > 1) {
      fieldset.append(choices(layer.name + "-theme", words.colour_by, layer.themes.map((theme, number) => [theme.label, () => {
        layer.theme = number;
        App.restyle(layer);
        legend(layer);
      }])));
    }
    fieldset.append(list);
    fieldset.classList.toggle("off", !layer.shown);
    legend(layer);
    return fieldset;
  }

  at("panel-title").textContent = words.layers;
  at("layers").append(...App.layers.map(control).reverse());
  at("layers").prepend(...App.layers.filter(({ name }) => name === App.page.leading).map(({ fieldset }) => fieldset));
  if (matchMedia("(max-width: 800px)").matches) at("panel").open = false;
  Object.assign(App, { choice, choices });
})();
