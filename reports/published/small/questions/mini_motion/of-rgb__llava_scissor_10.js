given("of-rgb__llava_scissor_10",{"outcomes":"222223311223312333122332","labels":null});
