given("of-mllm__oracle_2",{"outcomes":"212112211121211111111121","labels":null});
