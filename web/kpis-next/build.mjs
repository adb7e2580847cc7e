// Builds the assets that guiado vendors: the style sheet, htmx and the icons. `npm install && npm run build` writes the same bytes again.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const web = join(here, "..", "..", "src", "guiado", "web");
const vendored = join(web, "static");
const icons = join(web, "icons");

const style = compile(join(here, "src", "guiado.scss"), { style: "compressed", loadPaths: [modules], quietDeps: true, charset: false });
writeFileSync(join(vendored, "guiado.css"), `${style.css}\n`);

cpSync(join(modules, "htmx.org", "dist", "htmx.min.js"), join(vendored, "htmx.min.js"));

rmSync(icons, { recursive: true, force: true });
mkdirSync(icons);
for (const name of readFileSync(join(here, "src", "icons.txt"), "utf8").split("\n").filter(Boolean)) {
  const drawn = readFileSync(join(modules, "lucide-static", "icons", `${name}.svg`), "utf8");
  const shapes = drawn.replace(/<!--.*?-->/gs, "").replace(/^\s*<svg[^>]*>|<\/svg>\s*$/g, "");
  writeFileSync(join(icons, `${name}.svg`), `${shapes.trim().replace(/\n\s*/g, "")}\n`);
}

const licences = [["@picocss/pico", "LICENSE.md"], ["htmx.org", "LICENSE"], ["lucide-static", "LICENSE"]].map(([name, file]) => {
  const { version } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  return `${name} ${version}\n\n${readFileSync(join(modules, name, file), "utf8").trim()}\n`;
});
writeFileSync(join(vendored, "LICENSES.txt"), `${licences.join(`\n${"-".repeat(80)}\n\n`)}`);
