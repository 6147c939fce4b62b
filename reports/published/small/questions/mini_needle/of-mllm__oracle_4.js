given("of-mllm__oracle_4",{"outcomes":"332113313213311331113321","labels":null});
