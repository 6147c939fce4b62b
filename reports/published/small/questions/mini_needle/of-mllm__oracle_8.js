given("of-mllm__oracle_8",{"outcomes":"112112222211221111111122","labels":null});
