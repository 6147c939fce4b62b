given("of-mllm__oracle_2",{"outcomes":"332113311113311231113321","labels":null});
