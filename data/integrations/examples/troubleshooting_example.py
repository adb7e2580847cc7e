"""Ejemplo: una sesión que se resuelve y otra que termina con una persona.

Se ejecuta desde cualquier carpeta, con el entorno del proyecto activo:

    python3 data/integrations/examples/troubleshooting_example.py

Usa la base de datos de DATABASE_URL; si no hay, guiado arranca la suya.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys

from data.integrations.support_troubleshooting_agent import TroubleshootingAgent
from guiado.errors import GuiadoError


def solve(agent: TroubleshootingAgent) -> str:
    """El caso feliz: el cliente sigue los pasos hasta que el problema desaparece."""
    session = agent.start_troubleshooting(
        problem_description="No puedo instalar el software",
        customer_email="lucia@example.com",
        customer_name="Lucía Gómez",
        ticket_id="EJEMPLO-1",
    )
    print(agent.format_step_response(agent.get_current_step(session.session_id)))

    answer = agent.complete_step(session.session_id, success=True, notes="Hay espacio de sobra")
    print(f"\n{answer['message']}")

    # outcome="solved": el problema desapareció y no hace falta seguir.
    answer = agent.complete_step(session.session_id, success=True, notes="Ya se instaló", outcome="solved")
    print(answer["message"])
    return session.session_id


def hand_over(agent: TroubleshootingAgent) -> str:
    """El caso difícil: dos intentos fallidos y la sesión pasa a una persona, con todo lo que se probó."""
    session = agent.start_troubleshooting(
        problem_description="No tengo conexión a internet", customer_email="mateo@example.com", ticket_id="EJEMPLO-2"
    )
    for notes in ("No encuentro el botón del router", "Sigo sin encontrarlo"):
        answer = agent.complete_step(session.session_id, success=False, notes=notes)
        print(f"{answer['status']}: {answer['message']}")

    handover = agent.escalate_ticket(session.session_id, reason="El cliente pide que lo llamen")
    print(f"El ticket {handover['ticket_id']} pasa a una persona. Motivos:")
    for reason in handover["reason"].splitlines():
        print(f"- {reason}")
    return session.session_id


def report(agent: TroubleshootingAgent, *session_ids: str) -> None:
    """Qué quedó guardado: el resumen de cada sesión, la valoración y las cifras del mes."""
    for session_id in session_ids:
        summary = agent.get_session_summary(session_id)
        if summary:
            passed = f"{summary['current_step']} de {summary['total_steps']} pasos"
            print(f"- {summary['problem_detected']}: {summary['status']}, {passed}")
    feedback = agent.collect_feedback(session_ids[0], rating=5, feedback_text="Muy claro", was_helpful=True)
    print(f"Valoración guardada: {feedback['rating']} de 5")
    figures = agent.get_analytics(days=30)
    print(f"Sesiones en {figures['period_days']} días: {figures['total_sessions']}")
    print(f"Tasa de resolución: {figures['resolution_rate']:.1f} %")


def main() -> int:
    """Ejecuta el ejemplo.

    Returns:
        0 si todo fue bien; 1 si falta algo, con lo que hay que hacer.
    """
    try:
        agent = TroubleshootingAgent()
        print(f"Problemas conocidos: {len(agent.knowledge_base)}")
        print("\n== 1. Se resuelve ==\n")
        solved = solve(agent)
        print("\n== 2. Pasa a una persona ==\n")
        handed_over = hand_over(agent)
        print("\n== 3. Lo que quedó guardado ==\n")
        report(agent, solved, handed_over)
    except GuiadoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
