given("of-rgb__llava_scissor_5",{"outcomes":"223223331233312333122333","labels":null});
