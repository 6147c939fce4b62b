given("of-rgb__uniform_50",{"outcomes":"332333323332332333223333","labels":null});
