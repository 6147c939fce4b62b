given("of-mllm_cope__oracle_cope_4",{"outcomes":"112212212221211211111121","labels":null});
