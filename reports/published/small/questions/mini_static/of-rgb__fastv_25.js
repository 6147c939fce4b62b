given("of-rgb__fastv_25",{"outcomes":"332331332133123333323133","labels":null});
