"""Stands in for what a model writes: a service with one address."""

from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from service import name_of

app = FastAPI(title="seed")


class Result(BaseModel):
    """What the address answers."""

    result: str = Field(min_length=1)


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/name")
def name(number: Annotated[int, Query(ge=0)]) -> Result:
    try:
        return Result(result=name_of(number))
    except IndexError as error:
        raise HTTPException(404, str(error)) from error


@app.exception_handler(ValueError)
def refused(_: Request, error: ValueError) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 400)
