# `make help` lists the targets. Needs Python 3.11+, git and make; everything else is set up in .venv.
# PYTHON names the interpreter that creates .venv; ARGS goes to the command behind the target.
PYTHON ?=
ARGS ?=
export PYTHON
# Ctrl-C is how `run` and `chat` are ended: the shell outlives it (trap), and its code, 130, is no error.
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help run chat test test-long audit coverage check bench screenshots docs lock wheel sdist sbom setup setup-dev setup-docs

help: ## Muestra esta ayuda
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

run: setup ## Prepara lo necesario y arranca el servicio
	@trap : INT; .venv/bin/guiado serve $(ARGS) || [ $$? -eq 130 ]

chat: setup ## Abre una sesión guiada en la terminal
	@trap : INT; .venv/bin/guiado chat $(ARGS) || [ $$? -eq 130 ]

test: check ## Comprueba el código y ejecuta las pruebas; solo si programas
	@scripts/test.sh quick $(ARGS)

test-long: audit ## Ejecuta las pruebas largas
	@scripts/test.sh long $(ARGS)

audit: setup-dev ## Busca descuidos de seguridad: bandit, reglas propias, secretos, CycloneDX
	@scripts/audit.sh

coverage: setup-dev ## Mide las ramas probadas de domain, app y store; exige el 95%
	@.venv/bin/python scripts/coverage.py $(ARGS)

check: setup-dev ## Estilo, formato, tipos y capas
	@scripts/check.sh

bench: setup-dev ## Ejecuta las mediciones de benchmarks/ y muestra una tabla
	@.venv/bin/python scripts/bench.py $(ARGS)

screenshots: setup-dev ## Fotografía las páginas del asistente en docs/screenshots/
	@.venv/bin/python scripts/screenshots.py $(ARGS)

docs: setup setup-docs ## Genera el sitio de documentación en site/
	@scripts/docs.sh

lock: ## Fija las versiones; ARGS=--upgrade las actualiza
	@scripts/lock.sh $(ARGS)

wheel: setup-dev ## Construye el paquete en dist/
	@.venv/bin/python -m hatchling build -t wheel

sbom: setup-dev ## Escribe en dist/ la lista CycloneDX de lo que se instala
	@.venv/bin/python scripts/sbom.py

sdist: setup-dev ## Construye el archivo con el código fuente en dist/
	@.venv/bin/python -m hatchling build -t sdist

setup: ## Prepara .venv para ejecutar (PYTHON=… elige el intérprete)
	@scripts/setup.sh run

setup-dev: ## Prepara .venv para desarrollar
	@scripts/setup.sh dev

setup-docs:
	@scripts/setup.sh docs
