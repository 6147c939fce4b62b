given("of-mllm__oracle_4",{"outcomes":"112112212211211111111121","labels":null});
