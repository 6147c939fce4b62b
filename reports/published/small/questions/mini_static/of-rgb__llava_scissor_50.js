given("of-rgb__llava_scissor_50",{"outcomes":"332333333333123333233333","labels":null});
